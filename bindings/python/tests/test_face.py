"""The module has what the headers have."""
import copy
import dataclasses
import enum
import importlib.metadata
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

import floe
from floe import _convert, _enums
from floe._convert import address_from_c, address_to_c, into_c
from floe._errors import _CLASSES, failure
from floe._floe import ffi, lib
from floe._settings import RestartOptions


def fields(kind: str) -> set:
    return {name for name, _ in ffi.typeof(kind).fields}


class Face(unittest.TestCase):
    def test_structs(self) -> None:
        for made, kind, without in (
            (floe.Settings, "floe_settings", "size loop allocator trace_user_data filter_user_data "
             "address_rewrite_rule_count nat_1to1_ip_count host_address_count"),
            (floe.GatherOptions, "floe_gather_options", "size ice_server_count"),
            (RestartOptions, "floe_restart_options", "size"),
            (floe.IceServer, "floe_ice_server", "size url_count"),
            (floe.AddressRewriteRule, "floe_address_rewrite_rule", "size external_count"),
            (floe.Parameters, "floe_parameters", "size"),
            (floe.Candidate, "floe_candidate", "extension_count"),
            (floe.ServerStatistics, "floe_server_statistics", ""),
            (floe.GathererStatistics, "floe_gatherer_statistics", "server_count candidate_count"),
            (floe.CandidateStatistics, "floe_candidate_statistics", ""),
            (floe.ApiStatistics, "floe_api_statistics", "size"),
            (floe.TraceEvent, "floe_trace_event", ""),
            (floe.NetworkChange, "floe_network_change", "size"),
            (floe.Check, "floe_check", ""),
        ):
            with self.subTest(kind):
                ours = {field.name for field in dataclasses.fields(made)}
                ours -= {"receive_buffer_size"} - fields(kind)  # not each libfloe of this version has it
                self.assertEqual(ours, fields(kind) - set(without.split()))

    def test_enumerations(self) -> None:
        for kind, made in _enums.OF_C.items():
            with self.subTest(kind):
                theirs = {int(value) for value in ffi.typeof(kind).elements}
                names = ffi.typeof(kind).relements
                ours = {member.name: member.value for member in made}
                for name, value in names.items():
                    if name == "FLOE_OK":
                        name = "FLOE_ERR_OK"
                    self.assertEqual([full for full in ours if name.endswith("_" + full) and ours[full] == value][:1] != [], True, name)
                self.assertLessEqual(set(ours.values()) - {0}, theirs)

    def test_sizes(self) -> None:
        """What is given to the library says how large it is, in arrays too."""
        options = ffi.new("floe_gather_options *")
        keep: list = []
        into_c(options, floe.GatherOptions([floe.IceServer("stun:a"), floe.IceServer("stun:b")]), keep)
        self.assertEqual(options.size, ffi.sizeof("floe_gather_options"))
        self.assertEqual([options.ice_servers[i].size for i in range(2)], [ffi.sizeof("floe_ice_server")] * 2)

    def test_addresses(self) -> None:
        for address in (floe.Address("192.0.2.1", 5), floe.Address("2001:db8::1", 6), floe.Address("fe80::1", 7, 3)):
            self.assertEqual(address_from_c(address_to_c(address)), address)
            self.assertEqual(address_from_c(address_to_c(address)[0]), address)
        self.assertIsNone(address_from_c(ffi.new("floe_address *")))

    def test_a_value_of_a_later_library(self) -> None:
        self.assertEqual(floe.Error(-99).name, "UNKNOWN_-99")
        self.assertIsInstance(floe.Error(-99), enum.IntEnum)

    def test_functions(self) -> None:
        """Each function of the library is used; but for these, whose work is done by Python, and the ICE transport's, which it does not have yet."""
        without = """floe_address_classify floe_address_format_with_port floe_address_parse_with_port floe_address_equal
            floe_candidate_type_name floe_protocol_name floe_tcp_type_name floe_gatherer_state_name floe_trace_kind_name floe_trace_level_name
            floe_server_progress_name floe_network_change_name floe_failure_reason_name floe_withdrawal_name floe_gatherer_restart""".split()
        source = ""
        for name in ("_api", "_convert", "_errors", "_gatherer", "_settings", "_types", "__init__"):
            with open(floe.__file__.replace("__init__", name), encoding="utf-8") as file:
                source += file.read()
        used = set(re.findall(r"floe_\w+", source)) | {
            "floe_gatherer_on_" + name for name in ("local_candidate", "candidate_withdrawn", "state_change", "error")
        }
        functions = {name for name in dir(lib) if name.startswith("floe_") and not name.startswith(("floe_py_", "floe_transport_", "floe_ice_"))}
        self.assertEqual(sorted(name for name in functions - used - set(without) if not name.endswith("_init")), [])

    def test_version(self) -> None:
        self.assertRegex(floe.__version__, r"^\d+\.\d+\.\d+$")
        self.assertEqual(floe._WANTED, importlib.metadata.version("floe"))

    def test_an_older_library(self) -> None:
        """The import says which one is wanted, and what is missing."""
        for made, wanted in (
            ("raise ImportError('undefined symbol: floe_of_tomorrow')", "libfloe %s is wanted.*floe_of_tomorrow" % floe._WANTED),
            ("ffi.string = lambda text: text; lib.floe_version = lambda: b'0.0.9'; lib.floe_version_number = lambda: 9; "
             "lib.FLOE_VERSION_MAJOR, lib.FLOE_VERSION_MINOR, lib.FLOE_VERSION_PATCH, lib.FLOE_VERSION_NUMBER = 1, 2, 3, 0x10203",
             "libfloe 1.2.3 is wanted.*libfloe 0.0.9"),
        ):
            with self.subTest(wanted), tempfile.TemporaryDirectory() as folder:
                package = os.path.join(folder, "floe")
                os.mkdir(package)
                shutil.copy(floe.__file__, package)
                with open(os.path.join(package, "_floe.py"), "w") as file:
                    file.write("class ffi: pass\nclass lib: pass\n" + made)
                ended = subprocess.run([sys.executable, "-c", "import floe"], cwd=folder, capture_output=True, text=True)
                self.assertRegex(ended.stderr, "ImportError: " + wanted)

    def test_a_field_of_a_later_library(self) -> None:
        """Built with an earlier one, a struct has it not."""
        known = {name: kind for name, kind in _convert._fields(ffi.new("floe_trace_event *")).items() if name != "level"}
        c = ffi.new("floe_trace_event *", {"kind": floe.TraceKind.SENT, "level": floe.TraceLevel.PACKET, "method": ffi.NULL})
        with unittest.mock.patch("floe._convert._fields", lambda c: known):
            event = _convert.from_c(floe.TraceEvent, c)
        self.assertEqual((event.kind, event.level), (floe.TraceKind.SENT, floe.TraceLevel.DEFAULT))

    def test_values_that_make_no_line(self) -> None:
        parsed = floe.Candidate.parse("candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host")
        for change in ({"foundation": None}, {"foundation": "a b"}, {"type": floe.CandidateType(99)}, {"protocol": floe.Protocol.NONE}, {"address": None}):
            with self.subTest(change), self.assertRaises(ValueError):
                str(dataclasses.replace(parsed, **change))

    def test_equality(self) -> None:
        self.assertEqual(floe.AddressRewriteRule(external=("a",)), floe.AddressRewriteRule(external=["a"]))
        self.assertEqual(floe.IceServer(("stun:a",)), floe.IceServer("stun:a"))

    def test_exceptions_are_copied(self) -> None:
        """As a pool of processes does it."""
        made = [failure(code, "a text") for code in _CLASSES]
        made += [floe.FloeError("a text"), floe.ServerError("a text", code=401, url="turn:a", address="::1", port=5, url_failed=True)]
        for error in made:
            for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
                with self.subTest(type(error)):
                    self.assertIs(type(copied), type(error))
                    self.assertEqual((str(copied), copied.args, vars(copied)), (str(error), error.args, vars(error)))

    def test_a_server_error_shows_its_url(self) -> None:
        self.assertIn("turn:a", repr(floe.ServerError("a text", code=401, url="turn:a")))

    def test_a_candidate_says_what_its_fields_say(self) -> None:
        text = "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ srflx raddr 10.0.0.1 rport 5 generation 0 a-name its-value"
        parsed = floe.Candidate.parse(text)
        self.assertEqual((str(parsed), parsed.extensions), (text, (("generation", "0"), ("a-name", "its-value"))))
        self.assertEqual(parsed.peer(), floe.Address("192.0.2.1", 5000))
        hidden = dataclasses.replace(parsed, address="2001:db8::1", related_address="0.0.0.0", related_port=0)
        other = text.replace("192.0.2.1", "2001:db8::1").replace("10.0.0.1 rport 5", "0.0.0.0 rport 0")
        self.assertEqual((str(hidden), hidden.to_init()["candidate"]), (other, other))
        self.assertEqual(hidden.peer(), floe.Address("2001:db8::1", 5000))
        self.assertEqual((str(pickle.loads(pickle.dumps(hidden))), copy.copy(hidden)), (other, hidden))

    def test_exceptions(self) -> None:
        self.assertTrue(issubclass(floe.ParseError, ValueError) and issubclass(floe.TimedOutError, TimeoutError))


if __name__ == "__main__":
    unittest.main()
