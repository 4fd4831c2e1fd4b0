# The schemas of the catalog's files become part of the program, so that checking a catalog needs
# no second path. Bytes, not a string: C promises only 4095 characters in a literal.
set(generated "${CMAKE_BINARY_DIR}/generated/schema_texts.c")
set(text "/* Made by cmake/catalog.cmake out of catalog/schema/. */\n")
string(APPEND text "#include \"catalog/schema_texts.h\"\n")
foreach(kind integration resource documentation envelope)
    set(source "${CMAKE_SOURCE_DIR}/catalog/schema/${kind}.schema.json")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
    file(READ "${source}" hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(APPEND text "const unsigned char schema_text_${kind}[] = {${bytes}};\n"
           "const size_t schema_text_${kind}_len = sizeof schema_text_${kind};\n")
endforeach()
file(CONFIGURE OUTPUT "${generated}" CONTENT "${text}" @ONLY)
target_sources(sluice_catalog PRIVATE "${generated}")
