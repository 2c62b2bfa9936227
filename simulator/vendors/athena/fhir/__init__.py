"""athena's FHIR R4 side, `/fhir/r4`: one server for all practices, the practice is a search parameter."""
