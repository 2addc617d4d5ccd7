// What npm's fhir finds wrong with a resource, as JSON: used by test_read_by_others.py.
const fs = require("fs");
const { Fhir } = require("fhir");

const resource = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
console.log(JSON.stringify(new Fhir().validate(resource, { errorOnUnexpected: true })));
