/** A frame that ffmpeg gives, by its own account. */
export interface FrameTime {
  /** Seconds, on ffmpeg's clock. */
  readonly time: number;
  /** A picture of the video is on the screen then: the first has come, and the last came not too long before. */
  readonly shown: boolean;
}

/** A picture of the video: when it is shown, and when ffmpeg was told that it is. */
interface Moved {
  readonly at: number;
  /** By how much time was moved back, in seconds. */
  readonly shift: number;
}

/** A picture stays on the screen for so long, in seconds, or until the next; where pictures come less often, for longer. */
export const longestStill = 2;
/** The same of an animation, whose frames say how long they stay: a hostile file says days. */
export const longestSlide = 60;

/**
 * When the frames are that ffmpeg gives at a steady rate. It would repeat the first picture for the time before it, and the last
 * before a gap for as long as that lasts. So pictures are moved together (in whole steps of the rate), and ffmpeg tells of each when it was
 * and where it went: in lines of its log, in which it names them before the frames that are made of them.
 */
export class FrameTimes {
  /** Of ffmpeg: around what changes the rate, and after all others. */
  readonly filters: { readonly before: string; readonly after: string };
  readonly #step: number;
  readonly #still: number;
  readonly #early: number;
  readonly #bases = new Map<string, number>();
  #source: number | undefined;
  #moved: Moved[] = [];
  #ready: FrameTime[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  /**
   * @param from of the first frame, on ffmpeg's clock, in seconds
   * @param rate frames a second, as a number or fraction
   * @param early a picture counts so many steps before its time: 0.5 where frames are the video's own and times are rounded
   * @param still a picture counts as shown for so many seconds at most, or for two steps
   */
  constructor(from: number, rate: { readonly text: string; readonly value: number }, early: 0 | 0.5, still: number) {
    this.#step = 1 / rate.value;
    const steps = Math.max(2, Math.ceil(still * rate.value));
    this.#still = steps * this.#step;
    this.#early = early * this.#step + 1e-6;
    const step = `(1/(${rate.text}))`;
    // By how many steps this one is later than it need be.
    const first = `max(0,floor((PTS*TB-${from})/${step}))`;
    const next = `max(0,floor((PTS-PREV_INPTS)*TB/${step})-${steps})`;
    const shift = `st(0,ld(0)+if(isnan(PREV_INPTS),${first},${next})*${step})`;
    this.filters = {
      before: `showinfo@source=checksum=0,setpts='PTS-(${from}+${shift})/TB',showinfo@moved=checksum=0`,
      after: 'showinfo@given=checksum=0',
    };
  }

  /** A line of ffmpeg's log. */
  read(line: string): void {
    const [, name, rest = ''] = /^\[showinfo@(source|moved|given) @ [^\]]*\] (?:\[info\] )?(.*)/.exec(line) ?? [];
    if (name === undefined) return;
    const [, over, under] = /^config in time_base: (\d+)\/(\d+)/.exec(rest) ?? [];
    if (over !== undefined) this.#bases.set(name, Number(over) / Number(under));
    const [, ticks] = /^n: *\d+ pts: *(-?\d+) /.exec(rest) ?? [];
    const base = this.#bases.get(name);
    if (ticks === undefined || base === undefined) return;
    const time = Number(ticks) * base;
    if (name === 'source') this.#source = time;
    else if (name === 'moved') this.#moved.push({ at: time, shift: (this.#source ?? time) - time });
    else this.#give(time);
  }

  /** No more lines come. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The next frame's; undefined where ffmpeg ended without a word of it. */
  async next(): Promise<FrameTime | undefined> {
    while (this.#ready.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#ready.shift();
  }

  #give(time: number): void {
    // Those before the one that is shown are not needed again.
    const last = this.#moved.findLastIndex(({ at }) => at <= time + this.#early);
    if (last > 0) this.#moved.splice(0, last);
    const picture = last < 0 ? undefined : this.#moved[0];
    const shown = picture !== undefined && time - picture.at < this.#still - 1e-6;
    this.#ready.push({ time: time + (picture?.shift ?? 0), shown });
    this.#wake();
  }
}
