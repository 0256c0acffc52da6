/** A rectangle: top left corner and size. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function overlaps(a: Area, b: Area): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** Whether an area lies within a picture. */
export function inside(
  { x, y, width, height }: Area,
  picture: { readonly width: number; readonly height: number },
): boolean {
  return x >= 0 && y >= 0 && x + width <= picture.width && y + height <= picture.height;
}
