/** The bounds of WebSockets. */
export interface SocketSettings {
  readonly perPersonMax: number;
  readonly totalMax: number;
  readonly pingSeconds: number;
  /** Who was silent for so long, pings included, is cut. */
  readonly silentSeconds: number;
  /** Who took nothing of what was sent for so long is cut. */
  readonly stalledSeconds: number;
  /** How long a client may take to close, once it was told the end of a session or of this replica. */
  readonly closeSeconds: number;
  /** From so much on that was not taken by the other side, in each direction, nothing more is read for it. */
  readonly waitingBytesMax: number;
  /** How many messages that carry no bytes (text, empty, pings) may come at once, and each second afterwards. */
  readonly emptyBurstMax: number;
  readonly emptyPerSecondMax: number;
}

export const SOCKETS: SocketSettings = {
  perPersonMax: 1_000,
  totalMax: 5_000,
  pingSeconds: 15,
  silentSeconds: 45,
  stalledSeconds: 60,
  closeSeconds: 1,
  waitingBytesMax: 262_144,
  emptyBurstMax: 500,
  emptyPerSecondMax: 100,
};
