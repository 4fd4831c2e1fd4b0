# Every program of the product. A file list, not a search: a program is a decision.
file(GLOB cli_sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/cli/*.c")
if(cli_sources)
    sluice_program(sluice SOURCES ${cli_sources} LIBS sluice_core)
endif()
if(EXISTS "${CMAKE_SOURCE_DIR}/tests/tools/tba_vectors.c")
    sluice_program(tba-vectors SOURCES tests/tools/tba_vectors.c LIBS sluice_auth)
endif()

# Looks for pieces of texts in files and in a process's memory: scripts/prove-zero-retention.
if(EXISTS "${CMAKE_SOURCE_DIR}/tests/tools/find_marks.c")
    sluice_program(find-marks SOURCES tests/tools/find_marks.c)
endif()

# The mocks share a few files of base/ with the product (tests/arch/check.py) and nothing else.
file(GLOB mock_common CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/mocks/common/*.c")
file(GLOB mock_netsuite CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/mocks/netsuite/*.c")
if(mock_netsuite)
    sluice_program(mock-netsuite SOURCES ${mock_common} ${mock_netsuite}
                   LIBS sluice_base sluice_llhttp PkgConfig::UV PkgConfig::SSL PkgConfig::CRYPTO
                        PkgConfig::SQLITE PkgConfig::JANSSON PkgConfig::XML2 m)
endif()
file(GLOB mock_sap CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/mocks/sap/*.c")
if(mock_sap)
    sluice_program(mock-sap SOURCES ${mock_common} ${mock_sap}
                   LIBS sluice_base sluice_llhttp PkgConfig::UV PkgConfig::SSL PkgConfig::CRYPTO
                        PkgConfig::SQLITE PkgConfig::JANSSON m)
endif()

# The catalogs lie beside the programs as an installation has them: <bin>/../share/sluice/catalog.
get_filename_component(share_dir "${SLUICE_BIN_DIR}/../share/sluice/catalog" ABSOLUTE)
file(MAKE_DIRECTORY "${share_dir}")
foreach(integration conformance netsuite sap)
    file(CREATE_LINK "${CMAKE_SOURCE_DIR}/connectors/${integration}/catalog"
         "${share_dir}/${integration}" SYMBOLIC)
endforeach()

# The governor between made-up agents and ERPs: bench/governor-sim.
sluice_program(governor-sim SOURCES bench/governor_sim.c bench/governor_world.c LIBS sluice_governor m)
sluice_program(governor-costs SOURCES bench/governor_costs.c LIBS sluice_governor)

# Slots lent by a real Redis: bench/coordination-costs.
sluice_program(coordination-costs SOURCES bench/coordination_costs.c LIBS sluice_core)
