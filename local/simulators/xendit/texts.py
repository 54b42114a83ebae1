"""What the checkout page says, in Indonesian and in English."""

from datetime import datetime, timedelta, timezone
from typing import Final

Texts = dict[str, str]

WIB: Final = timezone(timedelta(hours=7), "WIB")
MINUTES_OF_A_DAY: Final = 1440
MONTHS: Final = {
    "id": ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}
TEXTS: Final[dict[str, Texts]] = {
    "id": {
        "title": "Pembayaran",
        "total": "Total pembayaran",
        "order": "No. pesanan",
        "pay_before": "Bayar sebelum",
        "left": "Sisa waktu",
        "details": "Rincian pesanan",
        "choose": "Pilih metode pembayaran",
        "pay": "Bayar",
        "back": "Kembali ke penjual",
        "most": "maks.",
        "least": "min.",
        "BANK_TRANSFER": "Virtual account bank",
        "QR_CODE": "QRIS",
        "EWALLET": "Dompet digital",
        "RETAIL_OUTLET": "Gerai ritel",
        "CREDIT_CARD": "Kartu kredit",
        "simulator": "Simulator: tidak ada uang yang berpindah.",
        "expire": "Biarkan kedaluwarsa",
        "paid": "Pembayaran berhasil",
        "paid_text": "Terima kasih, pembayaran Anda telah kami terima.",
        "expired": "Tagihan kedaluwarsa",
        "expired_text": "Tagihan ini tidak dapat dibayar lagi. Silakan buat pesanan baru.",
        "missing": "Tagihan tidak ditemukan",
        "missing_text": "Periksa kembali tautan yang Anda terima.",
        "refused_channel": "Metode pembayaran ini tidak tersedia untuk tagihan ini.",
        "refused_below_minimum": "Jumlah tagihan di bawah batas minimum metode ini.",
        "refused_above_maximum": "Jumlah tagihan melebihi batas maksimum metode ini.",
        "refused_already_paid": "Tagihan ini sudah dibayar.",
        "refused_expired": "Waktu pembayaran sudah habis.",
        "day": "hari",
        "hour": "jam",
        "minute": "menit",
        "via": "Dibayar melalui",
        "at": "Waktu",
    },
    "en": {
        "title": "Payment",
        "total": "Total to pay",
        "order": "Order no.",
        "pay_before": "Pay before",
        "left": "Time left",
        "details": "Order details",
        "choose": "Choose how to pay",
        "pay": "Pay",
        "back": "Back to the seller",
        "most": "max.",
        "least": "min.",
        "BANK_TRANSFER": "Bank virtual account",
        "QR_CODE": "QRIS",
        "EWALLET": "E-wallet",
        "RETAIL_OUTLET": "Retail outlet",
        "CREDIT_CARD": "Credit card",
        "simulator": "Simulator: no money moves.",
        "expire": "Let it expire",
        "paid": "Payment successful",
        "paid_text": "Thank you, we have received your payment.",
        "expired": "Invoice expired",
        "expired_text": "This invoice can no longer be paid. Please place a new order.",
        "missing": "Invoice not found",
        "missing_text": "Please check the link that you received.",
        "refused_channel": "This payment method is not available for this invoice.",
        "refused_below_minimum": "The amount is below the minimum of this payment method.",
        "refused_above_maximum": "The amount is above the maximum of this payment method.",
        "refused_already_paid": "This invoice has been paid.",
        "refused_expired": "The time to pay is over.",
        "day": "d",
        "hour": "h",
        "minute": "min",
        "via": "Paid with",
        "at": "Time",
    },
}


def language_of(locale: str | None) -> str:
    """Return the language of the page for an invoice's ``locale``: English, or else Indonesian."""
    return "en" if (locale or "").lower().startswith("en") else "id"


def rupiah(amount: float) -> str:
    """Return an amount as in ``Rp250.000``; its decimals, if any, after a comma."""
    whole = f"{amount:,.0f}" if amount == int(amount) else f"{amount:,.2f}"
    return "Rp" + whole.translate(str.maketrans(",.", ".,"))


def local_time(instant: datetime, language: str) -> str:
    """Return an instant in western Indonesian time, as in ``22 Jan 2023, 22.14 WIB``."""
    local = instant.astimezone(WIB)
    clock = f"{local:%H.%M}" if language == "id" else f"{local:%H:%M}"
    return f"{local.day} {MONTHS[language][local.month - 1]} {local.year}, {clock} WIB"


def time_left(left: timedelta, texts: Texts) -> str:
    """Return how long there is left, as in ``23 jam 59 menit``."""
    minutes = max(0, int(left.total_seconds())) // 60
    days, rest = divmod(minutes, MINUTES_OF_A_DAY)
    parts = ((days, "day"), (rest // 60, "hour"), (rest % 60, "minute"))
    said = [f"{count} {texts[unit]}" for count, unit in parts if count]
    return " ".join(said[:2]) or f"0 {texts['minute']}"
