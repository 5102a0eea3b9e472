"""The parts of `bench/mlflow`."""
