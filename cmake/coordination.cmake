# The script that decides about slots inside Redis becomes part of the program, so that both sides
# of the protocol are always of one version.
set(generated "${CMAKE_BINARY_DIR}/generated/lease_script.c")
set(source "${CMAKE_SOURCE_DIR}/coordination/lease.lua")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
file(READ "${source}" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(CONFIGURE OUTPUT "${generated}" CONTENT
     "/* Made by cmake/coordination.cmake out of coordination/lease.lua. */
#include \"coordination/lease_script.h\"
const unsigned char lease_script[] = {${bytes}};
const size_t lease_script_len = sizeof lease_script;
" @ONLY)
target_sources(sluice_coordination PRIVATE "${generated}")
