/** Recordings the stand-in does not claim to answer like the real cluster, and why. This list may only shrink. */
export const unclaimed: Readonly<Record<string, string>> = {};
