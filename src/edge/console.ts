/** Log lines where Workers Logs reads them. https://developers.cloudflare.com/workers/observability/logs/workers-logs/ */

export function writeLine(line: string) {
  console.log(line.trimEnd())
}
