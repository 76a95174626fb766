// Everything here has to parse and run on any Node.js that knows ES modules, so that an old one gets a sentence instead
// of a SyntaxError or `No such built-in module: node:sqlite` from somewhere inside.

const OLDEST = 24;

/** What to do about the Node.js that runs this; undefined when it is new enough. */
export function nodeTooOld() {
  const { node } = process.versions;
  return Number(node.split('.')[0]) < OLDEST
    ? `Usher needs Node.js ${OLDEST} or later; this is ${node}. Install it, or let npm bring it. In a project, run \`npm install node@${OLDEST}\` and start it with \`npx node server.js\`. For the command, run \`npx -p node@${OLDEST} -p usher-auth usher-auth\`.`
    : undefined;
}
