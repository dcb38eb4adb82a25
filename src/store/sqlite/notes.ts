import type Database from 'better-sqlite3';

/** The prepared statements that write and read notes, also where no store is open. */
export function prepareNoteStatements(database: Database.Database) {
  return {
    note: database.prepare<[{ readonly name: string; readonly value: string }]>(
      `INSERT INTO notes (name, value) VALUES (@name, @value)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    ),
    recall: database
      .prepare<[name: string], string>('SELECT value FROM notes WHERE name = ?')
      .pluck(),
  };
}
