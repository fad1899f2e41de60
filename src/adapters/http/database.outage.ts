/** Tells errors that mean "the database does not answer" from all others. Given by whoever knows the database. */
export abstract class DatabaseOutage {
  abstract is(error: unknown): boolean;
}
