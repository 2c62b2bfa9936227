"""athenaOne's proprietary REST API, `/v1/{practiceid}/…`: one file per entity."""
