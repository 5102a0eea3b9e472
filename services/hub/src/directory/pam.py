"""Asks PAM whether somebody has this password. `pam.py SERVICE [CONFIGURATION FOLDER]`; name and password come on standard
input, with a NUL between. Ends with 0: yes, 1: no, 2: PAM cannot be asked (standard error says why)."""

import ctypes
import sys

ECHO_OFF, ECHO_ON, ERROR, INFO = 1, 2, 3, 4
SUCCESS, CONV_ERR = 0, 19
# that somebody is not known, has a wrong password, or may not be here now (Linux-PAM, _pam_types.h)
REFUSALS = {6, 7, 10, 11, 12, 13, 14, 27}


class Message(ctypes.Structure):
    _fields_ = [("style", ctypes.c_int), ("text", ctypes.c_char_p)]


class Response(ctypes.Structure):
    _fields_ = [("text", ctypes.c_void_p), ("code", ctypes.c_int)]


Conversation = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.POINTER(Message)), ctypes.POINTER(ctypes.POINTER(Response)), ctypes.c_void_p
)


class Conv(ctypes.Structure):
    _fields_ = [("talk", Conversation), ("data", ctypes.c_void_p)]


def main() -> int:
    try:
        pam, libc = ctypes.CDLL("libpam.so.0"), ctypes.CDLL(None)
    except OSError as error:
        print(f"the library of PAM is not here: {error}", file=sys.stderr)
        return 2
    name, _, password = sys.stdin.buffer.read().partition(b"\0")
    libc.calloc.restype = libc.strdup.restype = ctypes.c_void_p
    libc.calloc.argtypes, libc.strdup.argtypes = [ctypes.c_size_t, ctypes.c_size_t], [ctypes.c_char_p]

    # PAM frees what it is given
    def talk(count, messages, answers, _data):
        memory = libc.calloc(count, ctypes.sizeof(Response))
        if not memory:
            return CONV_ERR
        answers[0] = ctypes.cast(memory, ctypes.POINTER(Response))
        for n in range(count):
            style = messages[n].contents.style
            if style in (ECHO_OFF, ECHO_ON):
                answers[0][n].text = libc.strdup(password if style == ECHO_OFF else name)
        return SUCCESS

    handle, conv = ctypes.c_void_p(), Conv(Conversation(talk), None)
    service, *folder = [argument.encode() for argument in sys.argv[1:]]
    start = pam.pam_start_confdir if folder else pam.pam_start
    code = start(service, name, ctypes.byref(conv), *folder, ctypes.byref(handle))
    if code == SUCCESS:
        code = pam.pam_authenticate(handle, 0)
        if code == SUCCESS:
            code = pam.pam_acct_mgmt(handle, 0)
        pam.pam_strerror.restype = ctypes.c_char_p
        said = (pam.pam_strerror(handle, code) or b"").decode(errors="replace")
        pam.pam_end(handle, code)
    else:
        said = f"error {code}"
    if code == SUCCESS:
        return 0
    print(said, file=sys.stderr)
    return 1 if code in REFUSALS else 2


sys.exit(main())
