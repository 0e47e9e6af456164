/** Titles as people write them: "Matrix, The (1999)" becomes The Matrix, of 1999. */

export interface Title {
  readonly name: string;
  /** Another name that stood in brackets. */
  readonly also: string;
  readonly year: string;
}

const YEAR = /\s*\((\d{4})(?:\s*[-–]\s*\d{0,4})?\)\s*$/;
const ALSO = /\s*\((?:a\.k\.a\.\s*)?([^()]*)\)\s*$/i;
const ARTICLE = /^(.*), (The|A|An|La|Le|Les|L'|El|Los|Las|Il|Lo|Der|Die|Das|Den|Det|En|Et|O|Os|As|Un|Une|Una)$/i;

/** Splits a title into what is set large, the other name and the year. */
export function readTitle(title: string): Title {
  const year = YEAR.exec(title)?.[1] ?? "";
  let rest = title.replace(YEAR, "");
  let also = "";
  for (let found = ALSO.exec(rest); found !== null && found.index > 0; found = ALSO.exec(rest)) {
    also = found[1]!;
    rest = rest.slice(0, found.index);
  }
  return { name: inOrder(rest.trim()), also: inOrder(also.trim()), year };
}

function inOrder(name: string): string {
  const found = ARTICLE.exec(name);
  if (found === null) return name;
  const article = found[2]!;
  return article.endsWith("'") ? `${article}${found[1]}` : `${article} ${found[1]}`;
}

/** Lower case without accents and points: what search compares. */
export function folded(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}
