# fuzz/fuzz_x.c becomes the program fuzz-x; its seeds lie in fuzz/corpus/x.
file(GLOB targets CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/fuzz/fuzz_*.c")
foreach(source ${targets})
    get_filename_component(stem "${source}" NAME_WE)
    string(REPLACE "fuzz_" "" stem "${stem}")
    sluice_program(fuzz-${stem} SOURCES "${source}" LIBS sluice_core)
    target_compile_options(fuzz-${stem} PRIVATE -Wno-missing-prototypes)
    target_link_options(fuzz-${stem} PRIVATE -fsanitize=fuzzer)
endforeach()
