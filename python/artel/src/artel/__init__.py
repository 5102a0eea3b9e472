"""Airflow operators for the life of an MLflow model."""

__version__ = "0.1.0"
