"""What the intents of banking77 say about topic and urgency, judged by the guideline's definitions.

An intent covers many wordings, so this is a rule of thumb for what its usual text says, and its rows
count less than texts that were labelled one by one.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_BILLING, _ACCESS, _QUESTION = "billing_payment", "account_access", "information_question"
_SAFETY, _DELIVERY, _RETURN = "security_safety", "delivery_punctuality", "cancellation_return_refund"

_BY_LABELS: Final = (
    (
        "critical",
        (_SAFETY, _BILLING),
        ("cash_withdrawal_not_recognised", "card_payment_not_recognised", "compromised_card"),
    ),
    ("critical", (_SAFETY, _ACCESS), ("lost_or_stolen_card", "lost_or_stolen_phone")),
    ("critical", (_RETURN, _BILLING), ("cancel_transfer",)),
    ("high", (_SAFETY, _BILLING), ("direct_debit_payment_not_recognised",)),
    (
        "high",
        (_ACCESS,),
        (
            "card_not_working",
            "card_swallowed",
            "contactless_not_working",
            "passcode_forgotten",
            "pin_blocked",
            "unable_to_verify_identity",
            "virtual_card_not_working",
        ),
    ),
    (
        "high",
        (_BILLING,),
        (
            "beneficiary_not_allowed",
            "declined_card_payment",
            "declined_cash_withdrawal",
            "declined_transfer",
            "failed_transfer",
            "top_up_failed",
            "transaction_charged_twice",
            "transfer_not_received_by_recipient",
            "wrong_amount_of_cash_received",
        ),
    ),
    ("high", (_RETURN, _BILLING), ("Refund_not_showing_up", "request_refund")),
    (
        "medium",
        (_BILLING,),
        (
            "balance_not_updated_after_bank_transfer",
            "balance_not_updated_after_cheque_or_cash_deposit",
            "card_payment_fee_charged",
            "card_payment_wrong_exchange_rate",
            "cash_withdrawal_charge",
            "extra_charge_on_statement",
            "pending_card_payment",
            "pending_cash_withdrawal",
            "pending_top_up",
            "pending_transfer",
            "reverted_card_payment?",
            "top_up_reverted",
            "transfer_fee_charged",
            "wrong_exchange_rate_for_cash_withdrawal",
        ),
    ),
    (
        "medium",
        (_BILLING, _QUESTION),
        (
            "automatic_top_up",
            "exchange_charge",
            "exchange_rate",
            "top_up_by_bank_transfer_charge",
            "top_up_by_card_charge",
            "topping_up_by_card",
            "transfer_into_account",
            "transfer_timing",
        ),
    ),
    ("medium", (_DELIVERY, _QUESTION), ("card_arrival", "card_delivery_estimate")),
    (
        "medium",
        (_ACCESS, _QUESTION),
        (
            "activate_my_card",
            "card_about_to_expire",
            "card_linking",
            "change_pin",
            "edit_personal_details",
            "verify_my_identity",
            "verify_source_of_funds",
            "verify_top_up",
            "why_verify_identity",
        ),
    ),
    ("medium", (_RETURN,), ("terminate_account",)),
    (
        "medium",
        (_QUESTION, _BILLING),
        (
            "apple_pay_or_google_pay",
            "disposable_card_limits",
            "exchange_via_app",
            "fiat_currency_support",
            "receiving_money",
            "supported_cards_and_currencies",
            "top_up_by_cash_or_cheque",
            "top_up_limits",
        ),
    ),
    (
        "medium",
        (_QUESTION,),
        (
            "age_limit",
            "atm_support",
            "card_acceptance",
            "country_support",
            "get_disposable_virtual_card",
            "get_physical_card",
            "getting_spare_card",
            "getting_virtual_card",
            "order_physical_card",
            "visa_or_mastercard",
        ),
    ),
)

INTENTS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = MappingProxyType(
    {intent: (urgency, topics) for urgency, topics, intents in _BY_LABELS for intent in intents}
)
"""From intent to urgency and topics, the main topic first."""
