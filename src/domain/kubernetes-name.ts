/** A DNS label (RFC 1123 §2.1), as Kubernetes names namespaces, containers and most else by. */
export const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
export const DNS_LABEL_RULE =
  "must be a DNS label: at most 63 lower-case letters, digits and '-', neither first nor last a '-'";

/**
 * A pattern for DNS labels. What could match no label is refused: in a rule that forbids, a pattern that never matches
 * would be a silent hole.
 */
export const LABEL_GLOB = /^[a-z0-9*-]{1,63}$/;
export const LABEL_GLOB_RULE =
  "must be a name or a pattern of lower-case letters, digits, '-' and '*' (any run of characters)";
