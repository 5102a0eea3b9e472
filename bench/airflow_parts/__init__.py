"""The parts of `bench/airflow`."""
