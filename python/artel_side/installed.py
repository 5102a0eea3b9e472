"""What is installed beside Airflow, as upstream's API shows it: providers, plug-ins, connections that are there by default."""

from __future__ import annotations

import sys


def tell(what: str) -> list[dict]:
    """The answer to one question."""
    known = {
        "providers": providers,
        "plugins": plugins,
        "plugin_errors": plugin_errors,
        "default_connections": default_connections,
    }
    return known[what]()


def providers() -> list[dict]:
    """Providers by name (airflow/api_fastapi/core_api/routes/public/providers.py)."""
    from airflow.api_fastapi.core_api.services.public.providers import _provider_mapper
    from airflow.providers_manager import ProvidersManager

    found = [_provider_mapper(info).model_dump(mode="json") for info in ProvidersManager().providers.values()]
    return sorted(found, key=lambda provider: provider["package_name"])


def plugins() -> list[dict]:
    """Plug-ins by name (routes/public/plugins.py)."""
    from airflow import plugins_manager
    from airflow.api_fastapi.core_api.datamodels.plugins import PluginResponse
    from pydantic import ValidationError

    found = []
    for info in sorted(plugins_manager.get_plugin_info(), key=lambda info: info["name"]):
        try:
            found.append(PluginResponse.model_validate(info).model_dump(mode="json", by_alias=True))
        except ValidationError as error:  # upstream leaves it out too
            print(f"plug-in {info.get('name')} cannot be shown: {error}", file=sys.stderr)
    return found


def plugin_errors() -> list[dict]:
    """Plug-ins that could not be imported."""
    from airflow import plugins_manager

    return [{"source": source, "error": str(error)} for source, error in plugins_manager.get_import_errors().items()]


def default_connections() -> list[dict]:
    """What `airflow connections create-default-connections` makes (airflow/utils/db.py)."""
    from airflow.utils.db import get_default_connections

    return [
        {
            "connection_id": connection.conn_id,
            "conn_type": connection.conn_type,
            "description": connection.description,
            "host": connection.host,
            "login": connection.login,
            "password": connection.password,
            "schema": connection.schema,
            "port": connection.port,
            "extra": connection.extra,
        }
        for connection in get_default_connections()
    ]
