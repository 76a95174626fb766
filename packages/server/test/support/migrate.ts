// Migrates the database of the first argument from the folder of the second, and prints the names of what it applied.
import { openDatabase } from '../../src/platform/db/index.ts';

const [url = '', migrations] = process.argv.slice(2);
const database = await openDatabase(url, migrations ? { migrations } : {});
console.log(JSON.stringify(await database.migrate()));
await database.close();
