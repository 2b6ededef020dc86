# Where things go. Each may be relative to the prefix, or absolute (Nix, Guix).
include(GNUInstallDirs)
set(FLOE_BASH_COMPLETION_DIR "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" CACHE STRING
    "Where bash looks for completions")
set(FLOE_ZSH_COMPLETION_DIR "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" CACHE STRING
    "Where zsh looks for completions (Debian: share/zsh/vendor-completions)")
set(FLOE_FISH_COMPLETION_DIR "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" CACHE STRING
    "Where fish looks for completions")
# What is installed finds the library beside it, wherever the tree is. Who installs for a system sets
# CMAKE_SKIP_INSTALL_RPATH.
if(NOT DEFINED CMAKE_INSTALL_RPATH AND NOT APPLE)
    if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_BINDIR}")
        set(CMAKE_INSTALL_RPATH "${CMAKE_INSTALL_FULL_LIBDIR}")
    else()
        file(RELATIVE_PATH from_bin_to_lib "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
        set(CMAKE_INSTALL_RPATH "$ORIGIN/${from_bin_to_lib}")
    endif()
endif()
