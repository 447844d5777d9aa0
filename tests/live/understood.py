"""What the SDK reads, in our words and our order."""

from __future__ import annotations

from google.genai import types
from google.genai.live import AsyncSession

from gateway.live import messages as live


def understood(message: types.LiveServerMessage) -> tuple[live.ServerMessage, ...]:
    """The SDK's reading of one frame in our words, in our order."""
    found: list[live.ServerMessage] = []
    if message.setup_complete:
        found.append(live.Ready(message.setup_complete.session_id or ""))
    if message.server_content:
        found.extend(content_of(message.server_content))
    if message.tool_call:
        calls = message.tool_call.function_calls or []
        found.append(
            live.ToolCall(tuple(live.FunctionCall(call.id or "", call.name or "", call.args or {}) for call in calls))
        )
    if message.tool_call_cancellation:
        found.append(live.ToolCallCancelled(tuple(message.tool_call_cancellation.ids or ())))
    if message.go_away:
        found.append(live.GoingAway(seconds(message.go_away.time_left)))
    if update := message.session_resumption_update:
        index = update.last_consumed_client_message_index
        found.append(live.ResumptionUpdate(update.new_handle or "", bool(update.resumable), index))
    if message.usage_metadata:
        found.append(usage_of(message.usage_metadata))
    if voice := message.voice_activity:
        start = voice.voice_activity_type == types.VoiceActivityType.ACTIVITY_START
        found.append(live.VoiceActivity("start" if start else "end", seconds(voice.audio_offset)))
    return tuple(found)


def content_of(content: types.LiveServerContent) -> list[live.ServerMessage]:
    parts = (content.model_turn.parts if content.model_turn else None) or []
    audio = [part.inline_data.data or b"" for part in parts if part.inline_data]
    found: list[live.ServerMessage] = [live.Interrupted()] if content.interrupted else []
    for heard, interim in ((content.input_transcription, False), (content.interim_input_transcription, True)):
        if heard:
            found.append(
                live.InputTranscript(heard.text or "", bool(heard.finished), heard.language_code or "", interim)
            )
    if said := content.output_transcription:
        found.append(live.OutputTranscript(said.text or "", bool(said.finished), said.language_code or ""))
    found.extend(live.ModelText(part.text, bool(part.thought)) for part in parts if part.text is not None)
    found.extend(live.ModelAudio(pcm) for pcm in audio)
    if content.generation_complete:
        found.append(live.GenerationComplete())
    if content.waiting_for_input:
        found.append(live.WaitingForInput())
    if content.turn_complete:
        reason, status = content.turn_complete_reason, content.interaction_status
        found.append(live.TurnComplete(reason.value if reason else "", status.value if status else ""))
    return found


def usage_of(usage: types.UsageMetadata) -> live.Usage:
    details = {
        "prompt": usage.prompt_tokens_details,
        "response": usage.response_tokens_details,
        "cached": usage.cache_tokens_details,
        "tool_use": usage.tool_use_prompt_tokens_details,
    }
    return live.Usage(
        usage.prompt_token_count or 0,
        usage.response_token_count or 0,
        usage.total_token_count or 0,
        usage.thoughts_token_count or 0,
        usage.cached_content_token_count or 0,
        usage.tool_use_prompt_token_count or 0,
        {
            f"{kind}/{item.modality.value if item.modality else ''}": item.token_count or 0
            for kind, items in details.items()
            for item in items or ()
        },
    )


def seconds(duration: str | None) -> float:
    return float((duration or "0s").removesuffix("s"))


async def listen(session: AsyncSession, count: int) -> list[tuple[live.ServerMessage, ...]]:
    heard: list[tuple[live.ServerMessage, ...]] = []
    while len(heard) < count:
        async for message in session.receive():
            heard.append(understood(message))
            if len(heard) == count:
                break
    return heard
