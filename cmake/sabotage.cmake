# Programs in which one wipe is missing, to show that scripts/prove-zero-retention finds what stays
# behind. The sources know nothing of it: one file is compiled again with the name of its wipe bound
# to a function that does nothing, and linked in the place of the library's own. Built on request
# only (target "sabotaged"), never installed; `sluice version` says what such a program is.
set(sabotaged_dir "${CMAKE_SOURCE_DIR}/build/sabotaged")
add_custom_target(sabotaged)

# sluice_sabotage(name FILE source [CALL function]): sluice-without-<name>.
function(sluice_sabotage name source call)
    set(target "sluice-without-${name}")
    file(GLOB cli_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/cli/*.c")
    add_library(sabotaged-${name} OBJECT EXCLUDE_FROM_ALL "${source}")
    target_include_directories(sabotaged-${name} PRIVATE "${CMAKE_SOURCE_DIR}")
    target_compile_options(sabotaged-${name} PRIVATE -include
                           "${CMAKE_SOURCE_DIR}/tests/sabotage/unwiped.h")
    target_compile_definitions(sabotaged-${name} PRIVATE SABOTAGED_${call})
    target_link_libraries(sabotaged-${name} PRIVATE sluice_core)
    add_executable(${target} EXCLUDE_FROM_ALL ${cli_sources} $<TARGET_OBJECTS:sabotaged-${name}>)
    target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}")
    target_compile_definitions(${target} PRIVATE SLUICE_SABOTAGE="without ${name}")
    target_link_libraries(${target} PRIVATE sluice_core)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${sabotaged_dir}")
    add_dependencies(sabotaged ${target})
endfunction()

sluice_sabotage(allocator-wipe base/memory.c wipe)
sluice_sabotage(arena-wipe base/arena.c wipe)
sluice_sabotage(buffer-wipe base/buf.c wipe)
sluice_sabotage(connection-wipe io/http_read.c wipe)
sluice_sabotage(tls-wipe io/tls.c cleanse)
