/** Names of jobs allow at most this many letters, digits, - and _. */
const MOST = 64;

/** A name for another run of the job `name`: train -> train-2, train-2 -> train-3. More digits are a
 * time. */
export function another(name: string): string {
  const match = /^(.*)-(\d{1,4})$/.exec(name);
  const [stem, count] = match ? [match[1] as string, Number(match[2]) + 1] : [name, 2];
  const tail = `-${count}`;
  return `${stem.slice(0, MOST - tail.length)}${tail}`;
}
