"""What a person does in a browser: log in, open the notebook server by OAuth, run code in a kernel over its WebSocket.

kernel.py URL USER PASSWORD CODE   prints what CODE prints. Needs httpx and websocket-client, which Jupyter brings along.
"""
import json
import sys
import uuid

import httpx
import websocket

URL, USER, PASSWORD, CODE = sys.argv[1:5]
BASE = f"/user/{USER}/"
PAGE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}
SCRIPT = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}


def open_page(browser, path):
    answer = browser.get(path, headers=PAGE)
    seen = []
    while answer.is_redirect and len(seen) < 10:
        seen.append(answer.headers["location"].split("?")[0])
        answer = browser.get(answer.headers["location"], headers=PAGE)
    return answer, seen


def xsrf(browser):
    """The server's own token: the cookie of the longest path."""
    found = [c for c in browser.cookies.jar if c.name == "_xsrf" and BASE.startswith(c.path)]
    return max(found, key=lambda c: len(c.path)).value.strip('"')


def run(browser, kernel, code):
    session, message = uuid.uuid4().hex, uuid.uuid4().hex
    cookies = "; ".join(f"{c.name}={c.value}" for c in browser.cookies.jar if BASE.startswith(c.path))
    address = URL.replace("http", "ws", 1) + f"{BASE}api/kernels/{kernel}/channels?session_id={session}"
    socket = websocket.create_connection(address, cookie=cookies, origin=URL, header={"Sec-Fetch-Mode": "websocket"}, timeout=60)
    header = {"msg_id": message, "username": USER, "session": session, "msg_type": "execute_request", "version": "5.4", "date": ""}
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}
    socket.send(json.dumps({"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content, "buffers": []}))
    printed, replied, idle = "", False, False
    while not (replied and idle):
        told = json.loads(socket.recv())
        if told["parent_header"].get("msg_id") != message:
            continue
        if told["msg_type"] == "stream":
            printed += told["content"]["text"]
        if told["msg_type"] == "error":
            printed += "\n".join(told["content"]["traceback"])
        replied = replied or told["msg_type"] == "execute_reply"
        idle = idle or (told["msg_type"] == "status" and told["content"]["execution_state"] == "idle")
    socket.close()
    return printed


def main():
    with httpx.Client(base_url=URL, timeout=60, trust_env=False) as browser:
        answer = browser.post("/hub/login", data={"username": USER, "password": PASSWORD}, headers=PAGE)
        assert answer.status_code == 302, answer.text
        page, seen = open_page(browser, f"{BASE}lab")
        assert page.status_code == 200 and "jupyter-config-data" in page.text, (page.status_code, seen, page.text[:500])
        assert "/hub/api/oauth2/authorize" in seen[0], seen
        headers = {**SCRIPT, "X-XSRFToken": xsrf(browser)}
        me = browser.get(f"{BASE}api/me", headers=headers).json()
        assert me["identity"]["username"] == USER, me
        kernel = browser.post(f"{BASE}api/kernels", json={"name": "python3"}, headers=headers).json()["id"]
        sys.stdout.write(run(browser, kernel, CODE))
        browser.delete(f"{BASE}api/kernels/{kernel}", headers=headers)


main()
