// What npm's dcmjs reads of DICOM files, as JSON: used by test_read_by_others.py.
const fs = require("fs");
const path = require("path");
const dcmjs = require("dcmjs");

console.warn = () => {};
dcmjs.log.setLevel("error");

const codes = (item) => {
  const name = [].concat(item.ConceptNameCodeSequence || [])[0];
  const value = [].concat(item.MeasuredValueSequence || [])[0];
  const own = name && value ? [[name.CodeMeaning, Number(value.NumericValue)]] : [];
  return own.concat(...[].concat(item.ContentSequence || []).map(codes));
};

const read = (file) => {
  const bytes = fs.readFileSync(file);
  const parsed = dcmjs.data.DicomMessage.readFile(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const dataset = dcmjs.data.DicomMetaDictionary.naturalizeDataset(parsed.dict);
  return {
    study: dataset.StudyInstanceUID,
    patient: dataset.PatientID,
    modality: dataset.Modality,
    frame: dataset.FrameOfReferenceUID || null,
    frames: Number(dataset.NumberOfFrames || 1),
    measurements: Object.fromEntries(codes(dataset)),
  };
};

const files = process.argv.slice(2);
console.log(JSON.stringify(Object.fromEntries(files.map((file) => [path.basename(file), read(file)]))));
