"""A mail server for one test: says `ready PORT`, then one line of JSON for each mail, until its input is closed.

server.py MODE CERTIFICATE KEY USER PASSWORD [ANSWER]
MODE: starttls, implicit, or plain, which offers no STARTTLS. ANSWER: to the end of each mail instead of 250; `hang` for
none at all.
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

mode, certificate, key, user, password = sys.argv[1:6]
answer = sys.argv[6] if len(sys.argv) > 6 else "250 OK: queued"


class Handler:
    async def handle_DATA(self, server, session, envelope):
        if answer == "hang":
            await asyncio.sleep(3600)
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": envelope.content.decode("utf-8"),
            "is_encrypted": session.ssl is not None or mode == "implicit",
            "is_authenticated": session.authenticated,
        }
        if answer.startswith("2"):
            print(json.dumps(mail), flush=True)
        return answer


def authenticate(server, session, envelope, mechanism, data):
    is_right = data.login == user.encode() and data.password == password.encode()
    # A server that says too much: what it answers must not reach anybody.
    said = None if is_right else f"535 5.7.8 no such user with {data.password.decode()}"
    return AuthResult(success=is_right, handled=False, message=said)


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    loop = asyncio.get_running_loop()

    def serve():
        return SMTP(
            Handler(),
            hostname="mail.test",
            tls_context=context if mode == "starttls" else None,
            require_starttls=mode == "starttls",
            authenticator=authenticate,
            auth_required=user != "" and mode != "plain",
            auth_require_tls=mode == "starttls",
            loop=loop,
        )

    server = await loop.create_server(serve, "127.0.0.1", 0, ssl=context if mode == "implicit" else None)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    # The test holds the other end of it: when it is gone, so are we.
    await loop.run_in_executor(None, sys.stdin.read)


try:
    asyncio.run(main())
finally:
    sys.stdout.flush()
