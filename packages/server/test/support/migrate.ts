// Migrates the database in the first argument with the migrations in the folder of the second, and prints their names.
import { openDatabase } from '../../src/platform/db/index.ts';

const [url = '', migrations] = process.argv.slice(2);
const database = await openDatabase(url, migrations ? { migrations } : {});
console.log(JSON.stringify(await database.migrate()));
await database.close();
