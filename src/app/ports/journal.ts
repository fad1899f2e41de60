/** The program's own log, for operators. Never given tokens, secrets or what people typed into a terminal. */
export abstract class Journal {
  abstract info(facts: object, message: string): void;
  abstract warn(facts: object, message: string): void;
  abstract error(facts: object, message: string): void;
}
