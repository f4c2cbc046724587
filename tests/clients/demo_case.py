"""What most tests of clients start with: a server with demo data, which they stop."""
import os
import shutil
import tempfile
import unittest

from server import Server, run, server_info


class DemoCase(unittest.TestCase):
    """One server for all tests of a class; `program` (ledgerline) and `settings` (LEDGERLINE_…, without that) are the
    class's. Commands that run in `folder` find it by themselves."""
    program = ""
    settings = {}
    sip_listen = "127.0.0.1:{}"
    sip_port = 0

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="ledgerline-test-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        os.chmod(cls.folder, 0o755)  # the database's own user goes through it
        cls.data_dir = os.path.join(cls.folder, "var")
        cls.start_server()

    @classmethod
    def start_server(cls):
        environment = {**os.environ, **{"LEDGERLINE_" + name: value for name, value in cls.settings.items()}}
        cls.server = Server([cls.program, "serve", "--demo", "--listen", "127.0.0.1:0",
                             "--sip-listen", cls.sip_listen.format(cls.sip_port)], cls.folder, environment)
        cls.url = server_info(cls.data_dir)["url"]

    @classmethod
    def stop_server(cls):
        status = cls.server.stop()
        assert status == 0, cls.server.output

    @classmethod
    def tearDownClass(cls):
        cls.stop_server()

    @classmethod
    def command(cls, *arguments):
        """An operator's command that must succeed; what it says."""
        output, errors, status = run([cls.program, *arguments], cwd=cls.folder)
        assert status == 0, (arguments, errors)
        return output

    @classmethod
    def rows(cls, query):
        """As finance sees them."""
        return cls.command("psql", "--", "-At", "-c", query).splitlines()
