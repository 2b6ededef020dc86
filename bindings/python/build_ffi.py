"""Makes floe._floe: libfloe's declarations, as they are installed beside it, compiled against its headers."""
import pathlib
import subprocess

import cffi


def variable(name: str) -> str:
    asked = subprocess.run(
        ["pkg-config", "--variable=" + name, "floe"], check=True, capture_output=True, text=True
    )
    return asked.stdout.strip()


ffi = cffi.FFI()
declarations = pathlib.Path(variable("plain_headers"), "floe.plain.h")
ffi.cdef(declarations.read_text(encoding="utf-8"))
ffi.cdef(
    """
    extern "Python" {
        void floe_py_candidate(void *, const floe_candidate *);
        void floe_py_withdrawn(void *, const floe_candidate *);
        void floe_py_state(void *, enum floe_gatherer_state);
        void floe_py_error(void *, const floe_candidate_error *);
        void floe_py_packet(void *, const floe_packet *);
        void floe_py_writable(void *, uint32_t);
        void floe_py_unreachable(void *, uint32_t, const floe_address *, floe_unreachable);
        void floe_py_trace(void *, const floe_trace_event *);
        bool floe_py_interface_filter(void *, const char *);
        bool floe_py_ip_filter(void *, const floe_address *);
        void floe_py_network_change(void *, const floe_network_change *);
        void floe_py_look_up(void *, const floe_look_up_result *);
    }
    """
)
ffi.set_source_pkgconfig("floe._floe", ["floe"], "#include <floe/floe.h>")

if __name__ == "__main__":
    ffi.compile(verbose=True)
