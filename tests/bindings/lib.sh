# What the scripts here share: those of tests/install, and `tree`, an installed tree that goes, found by pkg-config.
# shellcheck shell=bash
. "$(dirname "$0")/../install/lib.sh"

installed() {
    cmake --install "$build" --prefix "$scratch/tree" >/dev/null
    tree=$scratch/tree
    lib=$(dirname "$(dirname "$(find "$tree" -name floe.pc)")")
    export PKG_CONFIG_PATH=$lib/pkgconfig
    [ -e "$lib/libfloe.so" ] || { echo "$(basename "$0"): without the shared library"; exit 0; }
}

# The program of a language in docs/bindings.md.
of_the_page() { # LANGUAGE
    sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$root/docs/bindings.md" | grep -v '^```'
}

# A program gathers: from servers where nothing listens, so that it ends at once.
gathers() { # PROGRAM…
    LD_LIBRARY_PATH=$lib timeout 60 "$@" me secret stun:127.0.0.1:9 turn:127.0.0.1:9 >"$scratch/said" 2>"$scratch/errors" || die "$1 fails"
    grep -q '^candidate:.* typ host$' "$scratch/said" || die "$1 has no host candidate: $(cat "$scratch/said")"
    grep -q '^turn:127.0.0.1:9: .* \[701\]$' "$scratch/errors" || die "$1 does not say what its server did: $(cat "$scratch/errors")"
    ! LD_LIBRARY_PATH=$lib timeout 60 "$@" me secret 'stun:a?b' >"$scratch/said" 2>&1 || die "$1 takes any URL"
    grep -q 'stun:a?b' "$scratch/said" || die "$1 does not say what is wrong: $(cat "$scratch/said")"
}

needs() { # COMMAND…
    local command
    for command; do
        command -v "$command" >/dev/null || { echo "$command is not here"; exit 77; }
    done
}
