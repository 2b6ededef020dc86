# Makes one header without a preprocessor's line from a public header and all that it includes of floe's, for what reads
# declarations and is no compiler (cffi, pycparser). Comments stay. What is a plain number stays a #define.
#
#     cmake -D FLOE_INCLUDE=FOLDER -D FLOE_HEADER=floe.h -D FLOE_OUT=FILE -P plain_header.cmake
cmake_minimum_required(VERSION 3.22)
set(seen)
set(plain)

function(add_plain header)
    if(header IN_LIST seen)
        return()
    endif()
    list(APPEND seen ${header})
    file(READ ${FLOE_INCLUDE}/floe/${header} text)
    string(REGEX MATCHALL "\n#include <floe/[a-z_]+\\.h>" includes "${text}")
    foreach(include ${includes})
        string(REGEX REPLACE ".*<floe/(.*)>" "\\1" include "${include}")
        add_plain(${include})
    endforeach()
    if(NOT header STREQUAL export.h) # it has macros alone
        string(REGEX REPLACE "\n#ifdef __cplusplus\n[^#]*#endif" "" text "${text}")
        string(REPLACE " UINT32_MAX\n" " 4294967295\n" text "${text}")
        string(REGEX REPLACE "\n#(define [A-Z0-9_]+ [0-9xa-fA-F]+)\n" "\n@\\1\n" text "${text}")
        string(REGEX REPLACE "\n#(define [A-Z0-9_]+ [0-9xa-fA-F]+)\n" "\n@\\1\n" text "${text}") # each second one of a row
        string(REGEX REPLACE "\n#[^\n]*" "" text "${text}")
        string(REGEX REPLACE "\n@define " "\n#define " text "${text}")
        string(REPLACE "FLOE_EXPORT " "" text "${text}")
        string(REGEX REPLACE "\n\n\n+" "\n\n" text "${text}")
        string(APPEND plain "${text}")
    endif()
    set(seen "${seen}" PARENT_SCOPE)
    set(plain "${plain}" PARENT_SCOPE)
endfunction()

add_plain(${FLOE_HEADER})
file(WRITE ${FLOE_OUT} "${plain}")
