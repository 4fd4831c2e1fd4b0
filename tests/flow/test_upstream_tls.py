# SPDX-License-Identifier: Apache-2.0
"""ERPs behind TLS: certificates are checked, an authority of the operator's own counts."""
import shutil
import tempfile
import unittest
import urllib.parse

from flow import BIN, main
from stand import Stand
from tap import Authority, Tap


class TestAuthority(unittest.TestCase):
    def setUp(self):
        folder = tempfile.mkdtemp(prefix="sluice-tls-")
        self.addCleanup(shutil.rmtree, folder)
        self.authority = Authority(folder)

    def serve(self, *flags):
        """(status, answer) of connecting a SAP system whose port speaks TLS."""
        stand = Stand(BIN, flags=flags)
        self.addCleanup(stand.stop)
        mock = stand.start_mock("sap")
        port = urllib.parse.urlsplit(mock["url"]).port
        tap = Tap(port, self.authority)
        self.addCleanup(tap.stop)
        for name in ("url", "token_url"):
            mock[name] = mock[name].replace("http://127.0.0.1:%d" % port,
                                            "https://127.0.0.1:%d" % tap.port)
        stand.start_server()
        return stand, stand.api("POST", "/integrated-account", stand.sap_account())

    def test_the_operators_authority_vouches_for_an_erp(self):
        stand, (status, account) = self.serve("--net.ca_file", self.authority.ca)
        self.assertEqual(status, 201, account)
        url = stand.mint(account["id"])["url"]
        result = stand.tool(url, "list_all_sap_vendors", {"limit": 2})[2]
        self.assertEqual(len(result["structuredContent"]["data"]), 2)

    def test_an_unknown_authority_is_refused(self):
        _, (status, answer) = self.serve()
        self.assertEqual(status, 422)
        self.assertIn("could not be reached", answer["error"]["message"])

    def test_a_file_that_is_not_there_is_named_at_the_start(self):
        stand = Stand(BIN)
        self.addCleanup(stand.stop)
        stand.make_keys()
        result = stand.command("serve", flags=[*stand.flags(), "--net.ca_file", "/nowhere.pem"])
        self.assertEqual(result.returncode, 1)
        self.assertIn("net.ca_file /nowhere.pem cannot be read", result.stderr)


if __name__ == "__main__":
    main()
