/** Recordings the stand-in does not claim to answer like the real cluster, and why. This list may only shrink. */
export const unclaimed: Readonly<Record<string, string>> = {
  'admission/vap-attach-denied.json':
    'ValidatingAdmissionPolicy is not played: its API group answers 501',
  'admission/vap-ephemeral-denied.json':
    'ValidatingAdmissionPolicy is not played: its API group answers 501',
  'admission/vap-exec-denied.json':
    'ValidatingAdmissionPolicy is not played: its API group answers 501',
};
