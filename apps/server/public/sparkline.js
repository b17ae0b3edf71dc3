const width = 120;
const height = 40;
const padding = 2;

/** Draws values, the newest at the right edge; returns the highest. */
export function drawSparkline(svg, values, capacity) {
  const peak = Math.max(0, ...values);
  const scale = peak === 0 ? 0 : (height - 2 * padding) / peak;
  const step = width / (capacity - 1);
  const left = width - (values.length - 1) * step;
  const points = values.map((value, index) => {
    const x = left + index * step;
    return `${x.toFixed(2)} ${(height - padding - value * scale).toFixed(2)}`;
  });
  const line = points.length < 2 ? '' : `M${points.join('L')}`;
  svg.querySelector('.spark-line').setAttribute('d', line);
  const area = line === '' ? '' : `${line}L${width} ${height}L${left.toFixed(2)} ${height}Z`;
  svg.querySelector('.spark-area').setAttribute('d', area);
  return peak;
}
