import type Database from 'better-sqlite3';

/** What was noted under a name in a database that no store has open, or not yet; `undefined` if nothing was. */
export function readNote(database: Database.Database, name: string): string | undefined {
  return database
    .prepare<[string], string>('SELECT value FROM notes WHERE name = ?')
    .pluck()
    .get(name);
}

export function writeNote(database: Database.Database, name: string, value: string): void {
  database.prepare('INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)').run(name, value);
}
