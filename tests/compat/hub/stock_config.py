"""The settings of the stock hub; `settings.toml` says the same to Artel."""

import os
import pathlib
import sys

import tomllib
from jupyterhub.proxy import Proxy

HERE = pathlib.Path(__file__).resolve().parent
settings = tomllib.loads((HERE / "settings.toml").read_text())["hub"]


class NoProxy(Proxy):
    """Remembers the routes and serves none: the cases go to the hub itself."""

    should_start = False

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.routes = {}

    async def add_route(self, routespec, target, data):
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec):
        self.routes.pop(routespec, None)

    async def get_all_routes(self):
        return self.routes


port = int(os.environ["STOCK_PORT"])
c = get_config()  # noqa: F821
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{port}"
c.JupyterHub.bind_url = f"http://127.0.0.1:{port}"
c.JupyterHub.public_url = f"http://127.0.0.1:{port}"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.Spawner.cmd = [sys.executable, str(HERE / "stub_server.py")]
c.JupyterHub.allow_named_servers = True
c.JupyterHub.load_groups = settings["load_groups"]
c.JupyterHub.custom_scopes = settings["custom_scopes"]
c.JupyterHub.load_roles = settings["load_roles"]
# nothing listens where the settings say that a service does: it is not waited for
c.JupyterHub.services = [service | {"timeout": 1} for service in settings["services"]]
c.JupyterHub.log_level = "WARN"
