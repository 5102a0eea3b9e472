"""Artifacts through the proxy and by run: written, listed, read, deleted; paths that go nowhere."""

from case import delete, get, post, put

PROXY = "/api/2.0/mlflow-artifacts/artifacts"
LIST = "artifacts/list"
SHOWN = ("Content-Disposition", "X-Content-Type-Options")
FILES = {
    "a.txt": b"text\n", "b.json": b'{"a": 1}', "c.bin": bytes(range(256)), "d.html": b"<b>x</b>", "e.svg": b"<svg/>", "f.csv": b"a,b\n1,2\n", "g.png": b"\x89PNG", "h.yaml": b"a: 1\n", "i": b"no extension", "j.unknownext": b"?", "sub/k.txt": b"below", "sub/deep/l.md": b"# deep", "sub two/m n.txt": b"spaces", "Ж/файл.txt": "текст".encode(), "MLmodel": b"flavors: {}\n", "n.py": b"print()\n", "o.parquet": b"PAR1", "empty": b"", "p.pkl": b"\x80", "q.log": b"line\n", "r.tar.gz": b"\x1f\x8b", "s.js": b"1", "t.pdf": b"%PDF",
}  # fmt: skip
PATHS = {
    "dots": "../x", "dots below": "a/../../x", "dots encoded": "%2e%2e/x", "dots half encoded": ".%2e/x", "dots encoded twice": "%252e%252e/x", "slash encoded": "..%2fx", "absolute": "/etc/passwd", "absolute encoded": "%2fetc%2fpasswd", "backslash": "..%5cx", "a drive": "C:/x", "a file uri": "file:///etc/passwd", "a null byte": "a%00b", "a dot": "./x", "two slashes": "a//b", "ends with slash": "a/", "a hash": "a%23b", "a question mark": "a%3fb", "no path": "",
}  # fmt: skip
WHERE = "${exp}/${run}/artifacts"


def url(name: str, at: str = WHERE) -> str:
    return f"{PROXY}/{at}/{name.replace(' ', '%20')}"


CASES = [
    post("an experiment", "experiments/create", {"name": "artifacts"}, keep={"exp": "experiment_id"}),
    post("a run", "runs/create", {"experiment_id": "${exp}", "start_time": 1, "run_name": "r"}, keep={"run": "run.info.run_id"}),
    get("nothing yet", LIST, {"run_id": "${run}"}),
    get("nothing yet by the proxy", PROXY, {"path": WHERE}),
    *(post(f"post {name}", url(name), raw=b"x") for name in ("a.txt",)),
    *(put(f"write {name}", url(name), data) for name, data in FILES.items()),
    put("write again", url("a.txt"), b"other text\n"),
    get("list", LIST, {"run_id": "${run}"}),
    get("list by run_uuid", LIST, {"run_uuid": "${run}"}),
    get("list below", LIST, {"run_id": "${run}", "path": "sub"}),
    get("list below with a slash", LIST, {"run_id": "${run}", "path": "sub/"}),
    get("list deep", LIST, {"run_id": "${run}", "path": "sub/deep"}),
    get("list with spaces", LIST, {"run_id": "${run}", "path": "sub two"}),
    get("list unicode", LIST, {"run_id": "${run}", "path": "Ж"}),
    get("list a file", LIST, {"run_id": "${run}", "path": "a.txt"}),
    get("list nothing", LIST, {"run_id": "${run}", "path": "none"}),
    get("list an empty path", LIST, {"run_id": "${run}", "path": ""}),
    get("list no run", LIST),
    get("list an unknown run", LIST, {"run_id": "0" * 32}),
    get("list with a token", LIST, {"run_id": "${run}", "page_token": "x"}),
    *(get(f"list {what}", LIST, {"run_id": "${run}", "path": path}) for what, path in {"dots": "..", "dots below": "sub/../..", "absolute": "/etc", "encoded": "%2e%2e", "file": "file:///etc", "a dot": ".", "two slashes": "sub//deep", "a null byte": "a\0b"}.items()),
    get("proxy list", PROXY, {"path": WHERE}),
    get("proxy list below", PROXY, {"path": WHERE + "/sub"}),
    get("proxy list a file", PROXY, {"path": WHERE + "/a.txt"}),
    get("proxy list nothing", PROXY, {"path": "none"}),
    get("proxy list dots", PROXY, {"path": "../.."}),
    get("proxy list encoded dots", PROXY, {"path": "%2e%2e/%2e%2e"}),
    get("proxy list absolute", PROXY, {"path": "/etc"}),
    *(get(f"read {name}", url(name), shown=SHOWN) for name in FILES),
    get("read a folder", url("sub"), shown=SHOWN),
    get("read nothing", url("none")),
    *(get(f"read {what}", f"{PROXY}/{path}") for what, path in PATHS.items()),
    *(put(f"write {what}", f"{PROXY}/{path}", b"x") for what, path in PATHS.items()),
    *(delete(f"delete {what}", f"{PROXY}/{path}") for what, path in PATHS.items() if what != "no path"),
    *(get(f"get-artifact {name}", "/get-artifact", {"run_uuid": "${run}", "path": name}, shown=SHOWN) for name in ("a.txt", "b.json", "d.html", "e.svg", "sub/k.txt", "none", "sub", "", "../x", "%2e%2e/x", "/etc/passwd", "Ж/файл.txt", "sub two/m n.txt")),
    get("get-artifact by run_id", "/get-artifact", {"run_id": "${run}", "path": "a.txt"}, shown=SHOWN),
    get("get-artifact of no path", "/get-artifact", {"run_uuid": "${run}"}),
    get("get-artifact of no run", "/get-artifact", {"path": "a.txt"}),
    get("get-artifact of an unknown run", "/get-artifact", {"run_uuid": "0" * 32, "path": "a.txt"}),
    post("upload for a browser", "/ajax-api/2.0/mlflow/upload-artifact", raw=b"up", query={"run_uuid": "${run}", "path": "up.txt"}, headers={"Content-Type": "application/octet-stream"}),
    post("upload dots", "/ajax-api/2.0/mlflow/upload-artifact", raw=b"up", query={"run_uuid": "${run}", "path": "../up.txt"}, headers={"Content-Type": "application/octet-stream"}),
    post("upload without a run", "/ajax-api/2.0/mlflow/upload-artifact", raw=b"up", query={"path": "up.txt"}),
    post("upload without a path", "/ajax-api/2.0/mlflow/upload-artifact", raw=b"up", query={"run_uuid": "${run}"}),
    post("upload without data", "/ajax-api/2.0/mlflow/upload-artifact", query={"run_uuid": "${run}", "path": "up2.txt"}),
    get("uploaded", url("up.txt"), shown=SHOWN),
    delete("delete", url("a.txt")),
    get("read deleted", url("a.txt")),
    delete("delete again", url("a.txt")),
    delete("delete a folder", url("sub")),
    get("list after", LIST, {"run_id": "${run}"}),
    post("multipart create", f"/api/2.0/mlflow-artifacts/mpu/create/{WHERE}", {"path": "big", "num_parts": 2}),
    post("multipart complete", f"/api/2.0/mlflow-artifacts/mpu/complete/{WHERE}", {"path": "big", "upload_id": "u", "parts": []}),
    post("multipart abort", f"/api/2.0/mlflow-artifacts/mpu/abort/{WHERE}", {"path": "big", "upload_id": "u"}),
    get("presigned", f"/api/2.0/mlflow-artifacts/presigned/{WHERE}/b.json"),
    post("presigned upload", "artifacts/presigned-upload-url", {"run_id": "${run}", "path": "x"}),
    post("presigned download", "artifacts/presigned-download-url", {"run_id": "${run}", "path": "b.json"}),
    # a version's artifacts
    post("a model", "registered-models/create", {"name": "artifact model"}),
    post("its version", "model-versions/create", {"name": "artifact model", "source": "mlflow-artifacts:/${exp}/${run}/artifacts", "run_id": "${run}"}),
    get("of a version", "/model-versions/get-artifact", {"name": "artifact model", "version": "1", "path": "b.json"}, shown=SHOWN),
    get("of a version nothing", "/model-versions/get-artifact", {"name": "artifact model", "version": "1", "path": "none"}),
    get("of a version dots", "/model-versions/get-artifact", {"name": "artifact model", "version": "1", "path": "../x"}),
    get("of an unknown version", "/model-versions/get-artifact", {"name": "artifact model", "version": "9", "path": "b.json"}),
    # a logged model's artifacts
    post("a logged model", "logged-models", {"experiment_id": "${exp}", "name": "m"}, keep={"model": "model.info.model_id"}),
    put("write a file of it", f"{PROXY}/${{exp}}/models/${{model}}/artifacts/MLmodel", b"flavors: {}\n"),
    put("write a file below", f"{PROXY}/${{exp}}/models/${{model}}/artifacts/code/x.py", b"1\n"),
    get("its artifacts", "logged-models/${model}/artifacts/directories"),
    get("its artifacts below", "logged-models/${model}/artifacts/directories", {"artifact_directory_path": "code"}),
    get("its artifacts outside", "logged-models/${model}/artifacts/directories", {"artifact_directory_path": "../../.."}),
    get("its file", "/ajax-api/2.0/mlflow/logged-models/${model}/artifacts/files", {"artifact_file_path": "MLmodel"}, shown=SHOWN),
    get("its file outside", "/ajax-api/2.0/mlflow/logged-models/${model}/artifacts/files", {"artifact_file_path": "../MLmodel"}),
    get("its file unnamed", "/ajax-api/2.0/mlflow/logged-models/${model}/artifacts/files"),
]  # fmt: skip
