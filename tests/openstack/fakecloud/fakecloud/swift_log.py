"""A line for each request that Swift's proxy served, in the other services' form: its own go to syslog only."""

import time


def filter_factory(_global_conf, file, **_conf):
    # Line buffered: a line is there as soon as it is written.
    log = open(file, "a", buffering=1, encoding="utf-8")
    return lambda app: RequestLog(app, log)


class RequestLog:
    def __init__(self, app, log):
        self._app, self._log = app, log

    def __call__(self, environ, start_response):
        started = time.monotonic()

        def answer(status, headers, *failure):
            took = (time.monotonic() - started) * 1000
            query = environ.get("QUERY_STRING")
            path = environ.get("RAW_PATH_INFO", "") or environ.get("PATH_INFO", "")
            path += f"?{query}" if query else ""
            agent = environ.get("HTTP_USER_AGENT", "-")
            self._log.write(f'[req] {environ["REQUEST_METHOD"]} {path} {status[:3]} {took:.0f}ms "{agent}"\n')
            return start_response(status, headers, *failure)

        return self._app(environ, answer)
