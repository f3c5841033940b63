/** The most that has waited at once, until somebody was told. */

export interface Backlog {
  saw(rows: number): void
  worst(): number
  forget(): void
}

export function newBacklog(): Backlog {
  let worst = 0
  return {
    saw(rows) {
      if (rows > worst) worst = rows
    },
    worst: () => worst,
    forget() {
      worst = 0
    },
  }
}
