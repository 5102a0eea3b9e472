"""A file of DAGs that Airflow cannot import."""

raise RuntimeError("broken on purpose")
