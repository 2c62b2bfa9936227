// Reads one patient and every page of a laboratory search with fhir-kit-client, signing in by itself.
// One argument: {"fhirUrl", "tokenUrl", "form", "headers", "patient"} as JSON. Prints what it found as JSON.
import { Client } from "fhir-kit-client";

const given = JSON.parse(process.argv[2]);
const signedIn = await fetch(given.tokenUrl, { method: "POST", headers: given.headers, body: given.form });
const grant = await signedIn.json();
const client = new Client({ baseUrl: given.fhirUrl, bearerToken: grant.access_token });

const patient = await client.read({ resourceType: "Patient", id: given.patient });
let page = await client.search({
  resourceType: "Observation",
  searchParams: { patient: given.patient, category: "laboratory", _count: "10" },
});
const ids = [];
let pages = 0;
while (page) {
  pages += 1;
  for (const entry of page.entry ?? []) {
    if (entry.resource.resourceType === "Observation") ids.push(entry.resource.id);
  }
  page = await client.nextPage({ bundle: page });
}
const smart = await client.smartAuthMetadata();
console.log(JSON.stringify({ family: patient.name[0].family, ids, pages, tokenUrl: String(smart.tokenUrl ?? ""), authorizeUrl: String(smart.authorizeUrl ?? "") }));
