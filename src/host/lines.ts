/**
 * Log lines on their way out: those of one moment go in one write. Under load that is dozens of requests' lines for one
 * system call. A clean exit and an error that nobody catches both pass through `exit`, so that nothing is lost but what
 * a killed process had said in its last moment.
 */

interface Out {
  write(text: string): unknown
}

/** Takes lines; `atExit` is given what writes the last ones. */
export function gathered(out: Out, atExit: (flush: () => void) => void): (line: string) => void {
  let waiting = ''
  const flush = () => {
    if (waiting === '') return
    const text = waiting
    waiting = ''
    out.write(text)
  }
  atExit(flush)
  return (line) => {
    if (waiting === '') setTimeout(flush, MOMENT)
    waiting += line
    if (waiting.length > MOST_HELD) flush()
  }
}

/** Milliseconds. With a write for each turn of the event loop, it was one for nearly every line. */
const MOMENT = 5

/** One moment that says more than this does not hold it all. */
const MOST_HELD = 64 * 1024
