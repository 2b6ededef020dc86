#!/bin/bash -eu
# Builds every target for OSS-Fuzz, in its own image: $CC, $CFLAGS and $LIB_FUZZING_ENGINE are its, and
# what goes to $OUT is run there. Seeds and dictionaries go along.
cd "$(dirname "$0")/../.."
cmake -S . -B "$WORK/floe" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DFLOE_FUZZ=ON -DFLOE_TESTS=OFF \
    -DFLOE_EXAMPLES=OFF -DFLOE_HARDENED=OFF -DFLOE_WERROR=OFF "-DFLOE_FUZZ_ENGINE=$LIB_FUZZING_ENGINE"
cmake --build "$WORK/floe"
mkdir -p "$OUT/lib"
for program in "$WORK"/floe/fuzz/fuzz_*; do
    name=${program##*/fuzz_}
    cp "$program" "$OUT/$name"
    # The libraries of the image go along: they are not where the targets run.
    ldd "$program" | awk '$3 ~ /^\// { print $3 }' | grep -vE '/(libc|libm|libpthread|libdl|librt|ld-linux)[.-]' |
        xargs -r cp -n -t "$OUT/lib"
    patchelf --set-rpath '$ORIGIN/lib' "$OUT/$name"
    [ ! -d "fuzz/seeds/$name" ] || (cd "fuzz/seeds/$name" && zip -q -r "$OUT/${name}_seed_corpus.zip" .)
    [ ! -f "fuzz/dictionaries/$name" ] || cp "fuzz/dictionaries/$name" "$OUT/$name.dict"
done
