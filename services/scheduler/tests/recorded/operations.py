"""Lists the operations of upstream's public REST API, for the routes to be compared with.

    ENV/bin/python operations.py > operations.txt      (an environment of python/requirements/airflow.txt)
"""

import importlib.util
import pathlib
import re

import yaml

METHODS = ("get", "post", "put", "patch", "delete")


def main():
    (root,) = importlib.util.find_spec("airflow").submodule_search_locations
    document = yaml.safe_load((pathlib.Path(root) / "api_fastapi/core_api/openapi/v2-rest-api-generated.yaml").read_text())
    for path, operations in document["paths"].items():
        for method in sorted(operations.keys() & set(METHODS)):
            print(method.upper(), re.sub(r"\{[^}]*\}", "{}", path))


if __name__ == "__main__":
    main()
