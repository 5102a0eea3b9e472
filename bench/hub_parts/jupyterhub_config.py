"""The settings of the stock hub: its defaults, with local processes that need no accounts of this machine, and
configurable-http-proxy in front. `sides.py` says the same to Artel."""

import asyncio
import json
import os

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from jupyterhub.auth import DummyAuthenticator

settings = json.loads(os.environ["BENCH_HUB"])
memory, rounds, lanes = settings["argon2"]
hasher = PasswordHasher(time_cost=rounds, memory_cost=memory, parallelism=lanes)
stored = hasher.hash(settings["password"])


class Authenticator(DummyAuthenticator):
    """Upstream's, which hashes nothing and lets anybody in; but `hashed-…` only with the password, which is checked as
    Artel does, on a thread of its own."""

    async def authenticate(self, handler, data):
        if data["username"].startswith("hashed-"):
            try:
                await asyncio.to_thread(hasher.verify, stored, data["password"])
            except VerificationError:
                return None
        return await super().authenticate(handler, data)


async def choose(spawner):
    spawner.cmd = settings["commands"][spawner.user_options["profile"]]


c = get_config()  # noqa: F821
c.JupyterHub.bind_url = f"http://127.0.0.1:{settings['port']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{settings['hub_port']}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{settings['api_port']}"
c.ConfigurableHTTPProxy.command = [settings["proxy"]]
c.JupyterHub.authenticator_class = Authenticator
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = settings["homes"] + "/{username}"
c.Spawner.pre_spawn_hook = choose
c.Spawner.start_timeout = c.Spawner.http_timeout = settings["patience"]
# a start is answered when it has ended
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": settings["patience"], "slow_stop_timeout": settings["patience"]}
c.JupyterHub.services = [{"name": "bench", "admin": True, "api_token": settings["token"]}]
c.JupyterHub.log_level = "WARN"
