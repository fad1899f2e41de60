/** `lasting` survives a crash of the machine; `throw-away` survives nothing, and is faster. */
export type Durability = 'lasting' | 'throw-away';

/** TCP on the loopback alone: a Unix socket's path may be too long, and its folder closed to the server's account. */
const COMMON = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '32MB',
  jit: 'off',
  log_checkpoints: 'off',
  log_min_messages: 'log',
};

const BY_DURABILITY: Record<Durability, Record<string, string>> = {
  lasting: { fsync: 'on' },
  'throw-away': {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    wal_level: 'minimal',
    max_wal_senders: '0',
    autovacuum: 'off',
  },
};

/** The settings as arguments of `postgres`. @param more what goes before ours. */
export function settingsOf(
  durability: Durability,
  more: Readonly<Record<string, string>>,
): string[] {
  const settings = { ...COMMON, ...BY_DURABILITY[durability], ...more };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
