import type { JobEvent } from "../api/types";
import { Time } from "../parts/time";

/** What happened, in order. */
export function EventsPart({ events }: { events: readonly JobEvent[] }) {
  return (
    <div class="card flush scroll-x">
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Event</th>
            <th scope="col">Attempt</th>
            <th scope="col">Node</th>
            <th scope="col">Detail</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event, index) => (
            <tr key={index}>
              <td class="nowrap">
                <Time at={event.time} />
              </td>
              <td>{event.event}</td>
              <td>{event.attempt ?? ""}</td>
              <td class="wrap">{event.node ?? ""}</td>
              <td class="wrap">{event.detail ?? ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
